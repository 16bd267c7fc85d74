import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            encoding: "utf-16le",
        },
    ],
});
