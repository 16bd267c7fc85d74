import type { ComponentType } from "preact";
import type { Flow } from "../api/flow/read-flow.ts";

/** What the built-in stream brings to the page. */
export interface StreamView {
    name: string;
    /** In the order in which files name them. */
    columns: readonly string[];
    /** The column by which a record is traced, and one of its values. */
    key: { name: string; form: RegExp; example: string };
    /** One more chart of the flow. */
    Chart: ComponentType<{ flow: Flow }>;
    Panel: ComponentType;
}
