import { defineConfig } from "sluice";

export default defineConfig({
    sources: [{ match: "a.csv", encoding: "gb18030" }, { match: "b.csv", encoding: "shift_jis" }, { match: "c.csv", encoding: "euc-kr" }, { match: "d.csv", encoding: "big5" }, { match: "e.csv", encoding: "euc-jp" }, { match: "f.csv", encoding: "windows-1250" }, { match: "g.csv", encoding: "koi8-r" }],
});
