import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            encoding: "windows-1252",
        },
    ],
});
