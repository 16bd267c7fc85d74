import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            timestamps: { format: ["M/d/yyyy H:mm", "MM/dd/yyyy HH:mm:ss"], offset: "+02:00" },
        },
    ],
});
