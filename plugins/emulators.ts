import type { Emulator } from "./emulator.ts";
import { alibaba } from "./emulators/alibaba/emulator.ts";

/** The local clouds by the name that the command line gives them. */
export const emulators: Readonly<Record<string, Emulator>> = { alibaba };
