import { createLogUpdate } from "log-update";
import type { Clock, Timer } from "../../clock.ts";

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

/** Where progress is shown; standard error, mostly. */
type Terminal = NodeJS.WritableStream & { readonly isTTY?: boolean };

/** On a terminal, the live line is drawn anew so often. */
const redrawMs = 500;
/** Elsewhere, an amount is worth a line so often. */
const plainMs = 15_000;

/**
 * Shows progress: on a terminal one line that lives, elsewhere a line for each step and now and then one that says how far it is. Dispose
 * of it before anything else is written there.
 */
export function showProgress(stream: Terminal, clock: Clock): { readonly report: ReportProgress } & Disposable {
  return stream.isTTY ? showLive(stream, clock) : showPlain(stream, clock);
}

function showPlain(stream: Terminal, clock: Clock): { report: ReportProgress } & Disposable {
  let lastMs = clock.monotonicMs();
  return {
    report(progress) {
      if (progress.kind === "amount" && clock.monotonicMs() - lastMs < plainMs) return;
      lastMs = clock.monotonicMs();
      stream.write(`${progress.kind === "amount" ? `  ${amountText(progress)}` : sentence(progress)}\n`);
    },
    [Symbol.dispose]() {},
  };
}

function showLive(stream: Terminal, clock: Clock): { report: ReportProgress } & Disposable {
  const line = createLogUpdate(stream);
  let step = "";
  let amount = "";
  let sinceMs = clock.monotonicMs();
  let timer: Timer | undefined;
  const draw = () => {
    line(`${step} · ${[amount, `${Math.floor((clock.monotonicMs() - sinceMs) / 1000)} s`].filter(Boolean).join(" · ")}`);
    timer?.[Symbol.dispose]();
    timer = clock.startTimer(redrawMs, draw);
  };
  return {
    report(progress) {
      if (progress.kind === "amount") {
        // Drawn by the timer: bytes come in more often than anybody can read.
        amount = amountText(progress);
        return;
      }
      if (progress.kind === "refused") {
        line.clear();
        stream.write(`${sentence(progress)}\n`);
        return;
      }
      step = sentence(progress);
      amount = "";
      sinceMs = clock.monotonicMs();
      draw();
    },
    [Symbol.dispose]() {
      timer?.[Symbol.dispose]();
      line.clear();
      line.done();
    },
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
