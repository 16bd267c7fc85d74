/** Passes the stream of a child on as it comes. Returns all of it. */
export async function echo(
    stream: ReadableStream<Uint8Array>,
    into: { write(chunk: Uint8Array): unknown },
): Promise<string> {
    const decoder = new TextDecoder();
    let output = "";
    for await (const chunk of stream) {
        into.write(chunk);
        output += decoder.decode(chunk, { stream: true });
    }
    return output;
}
