/** `import query from "./query.sql" with { type: "text" }` is the file's text. */
declare module "*.sql" {
    const text: string;
    export default text;
}
