/** Every command of README.md does what it says, in order, on a clean copy: on a machine that has node and npm. */
import { followDocument } from "./run-document.ts";

followDocument("README.md", ["npx -y bun run test\n"]);
