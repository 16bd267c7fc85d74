/** The setting of a source that makes a key. Its name is in people's files, and in the ledger with each file. */
export const deriveKey = "deriveEventId";
