import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            encoding: "latin1",
        },
    ],
});
