export { cacheFolder, findBinaries } from "./cache.ts";
export { type DockerApi, dockerApi, dockerEngine, isHttpStatus, removeContainer } from "./docker-engine.ts";
export { findImages } from "./images.ts";
export { install } from "./install.ts";
export { type ReportProgress, showProgress } from "./progress.ts";
export { defaultVersions, parseEtcdVersion, parseKubernetesVersion } from "./versions.ts";
export { type Way, ways } from "./way.ts";
