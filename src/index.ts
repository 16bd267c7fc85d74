/** The package as a module: `import { defineConfig, stream } from "sluice"`. */
export { defineConfig, type SluiceConfig } from "./config/define-config.ts";
export { type StreamDeclaration, stream } from "./streams/declaration.ts";
