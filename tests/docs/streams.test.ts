/** Every declaration, statement and command of docs/streams.md does what the page says, in order, on a clean copy. */
import { followDocument } from "./run-document.ts";

followDocument("docs/streams.md");
