/** In a checkout there is nothing here. The builds of package and executable put this module's content in its place. */

export interface BuiltFiles {
    form: "package" | "executable";
    /** By path from the repository's root: drizzle/, sql/ and data/samples/. */
    texts: Record<string, string>;
    /** The page, by path of the URL. */
    page: Record<string, { type: string; base64: string }>;
}

export const builtFiles: BuiltFiles | null = null as BuiltFiles | null;
