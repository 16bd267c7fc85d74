export default {
    sources: [{ match: "*.{tsv,txt}" }, { match: "*" }],
};
