import type { Bench } from "./benchmark.ts";
import { openForecastScene, openScene, type Scene } from "./scene.ts";
import { SceneLog } from "./scene-log.ts";

/**
 * Plays a scenario on the model of the API server and then on the target, and compares what both counted. The model is played first, so that
 * what the target shows is held against a prediction.
 * @param isTimed - whether the time that things take is measured, so that it has to pass on a model too
 */
export async function play(
  bench: Bench,
  options: { readonly isTimed: boolean },
  scenario: (scene: Scene, log: SceneLog) => Promise<void>,
): Promise<void> {
  bench.progress.pass("Playing the scenario on the model");
  const forecast = await foretell(bench, scenario);
  bench.progress.pass("Starting the control plane to play it on");
  await using scene = await openScene(bench, options);
  await using log = new SceneLog(bench, scene, forecast);
  await scenario(scene, log);
  for (const problem of await scene.tap.problems()) log.note(`The tap: ${problem}`);
}

/** Plays a scenario on the model alone. */
export async function foretell(bench: Bench, scenario: (scene: Scene, log: SceneLog) => Promise<void>): Promise<SceneLog["forecast"]> {
  await using scene = await openForecastScene(bench);
  await using log = new SceneLog(bench, scene);
  await scenario(scene, log);
  return log.forecast;
}
