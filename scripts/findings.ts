import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readRun } from "../harness/run/read-run.ts";
import { navigated } from "./doc-navigation.ts";
import { findingsDoc, findingsDocFile } from "./findings-doc.ts";
import { root } from "./steps.ts";

// node scripts/findings.ts RUN…: writes docs/findings.md of run folders of `kmsmark bench` on a real kube-apiserver.
const folders = process.argv.slice(2);
if (folders.length === 0) throw new Error("Name the run folders whose findings are to stand there.");
await writeFile(join(root, findingsDocFile), navigated(findingsDocFile, findingsDoc(await Promise.all(folders.map(readRun)))));
