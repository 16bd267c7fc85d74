import { defineConfig } from "sluice";

export default defineConfig({
    sources: [{ match: "c.csv", encoding: "utf-32le" }],
});
