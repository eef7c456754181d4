import { cut, type Display } from "../../run/display.ts";

/** What an installation says while it runs. */
export type InstallProgress =
  /** Another kmsmark installs into the same cache; this one goes on when that one ends. */
  | { readonly kind: "waiting"; readonly ownerPid: number }
  /** Something begins; `usually` says how long it tends to take. */
  | { readonly kind: "step"; readonly text: string; readonly usually?: string }
  /** How far the last step is. */
  | { readonly kind: "amount"; readonly done: number; readonly total: number | undefined; readonly unit: "bytes" | "modules" | "packages" }
  /** A way did not work; the next one is tried. */
  | { readonly kind: "refused"; readonly way: string; readonly reason: string };

export type ReportProgress = (progress: InstallProgress) => void;

/** Elsewhere, an amount is worth a line so often. */
const plainMs = 15_000;

/** Shows progress: on a terminal one line that lives, elsewhere a line for each step and now and then one that says how far it is. */
export function showProgress(display: Display): { readonly report: ReportProgress } & Disposable {
  return { report: display.mode === "live" ? reportLive(display) : reportPlain(display), [Symbol.dispose]: () => display.hide() };
}

function reportPlain(display: Display): ReportProgress {
  const { clock } = display;
  let lastMs = clock.monotonicMs();
  return (progress) => {
    if (progress.kind === "amount" && clock.monotonicMs() - lastMs < plainMs) return;
    lastMs = clock.monotonicMs();
    display.say(progress.kind === "amount" ? `  ${amountText(progress)}` : sentence(progress));
  };
}

function reportLive(display: Display): ReportProgress {
  const { clock, look } = display;
  let amount: string | undefined;
  return (progress) => {
    if (progress.kind === "refused") {
      display.say(sentence(progress));
    } else if (progress.kind === "amount") {
      // Not drawn at once: bytes come in more often than anybody can read.
      amount = amountText(progress);
    } else {
      amount = undefined;
      const sinceMs = clock.monotonicMs();
      display.show((width) => {
        const seconds = `${Math.floor((clock.monotonicMs() - sinceMs) / 1000)} s`;
        return [cut([sentence(progress), ...(amount === undefined ? [] : [amount]), seconds].join(", "), width, look)];
      });
    }
  };
}

function sentence(progress: Exclude<InstallProgress, { kind: "amount" }>): string {
  switch (progress.kind) {
    case "waiting":
      return `waiting for process ${progress.ownerPid}, which installs into the same cache`;
    case "refused":
      return `not from ${progress.way}: ${progress.reason}`;
    case "step":
      return progress.usually === undefined ? progress.text : `${progress.text} (usually ${progress.usually})`;
  }
}

function amountText({ done, total, unit }: Extract<InstallProgress, { kind: "amount" }>): string {
  const shown = (count: number) => (unit === "bytes" ? `${(count / 1e6).toFixed(1)} MB` : `${count}`);
  const name = unit === "bytes" ? "" : ` ${unit}`;
  return total === undefined ? `${shown(done)}${name}` : `${shown(done)} of ${shown(total)}${name}`;
}
