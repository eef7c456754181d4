export { cacheFolder, findBinaries } from "./cache.ts";
export { type DockerApi, dockerApi, dockerEngine, isHttpStatus, removeContainer } from "./docker-engine.ts";
export { findImages } from "./images.ts";
export { type Installed, type InstallRequest, install } from "./install.ts";
export { type InstallProgress, type ReportProgress, showProgress } from "./progress.ts";
export { defaultVersions, parseEtcdVersion, parseKubernetesVersion } from "./versions.ts";
export { type Overrides, type Way, ways } from "./way.ts";
