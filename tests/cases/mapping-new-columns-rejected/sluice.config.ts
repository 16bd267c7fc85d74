import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            newColumns: "reject-file",
            ignore: ["known"],
        },
    ],
});
