/** Every command of docs/walkthrough.md does what the page says, in order, on a clean copy; none is left out. */
import { followDocument } from "./run-document.ts";

followDocument("docs/walkthrough.md");
