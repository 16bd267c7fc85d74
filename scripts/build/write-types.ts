/**
 * Writes the types of `import … from "sluice"` as one file that imports nothing: those that zod infers from the schemas are
 * spelled out, with their comments, so that whoever uses them needs neither zod nor drizzle.
 */
import { join } from "node:path";
// TypeScript 7 has no API for JavaScript yet.
import ts from "typescript-5";
import { rootDir } from "./bundle-program.ts";

/** The text of index.d.ts. @throws when src/index.ts has something that this cannot write */
export function writeTypes(): string {
    const entry = join(rootDir, "src/index.ts");
    const { config } = ts.readConfigFile(join(rootDir, "tsconfig.json"), ts.sys.readFile);
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, rootDir);
    const program = ts.createProgram([entry], { ...options, types: ["bun"] });
    const checker = program.getTypeChecker();
    const module = checker.getSymbolAtLocation(program.getSourceFile(entry)!)!;
    const declarations = checker.getExportsOfModule(module).map((exported) => {
        const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
        return writeDeclaration(checker, symbol);
    });
    return `${declarations.join("\n")}`;
}

function writeDeclaration(checker: ts.TypeChecker, symbol: ts.Symbol): string {
    const comment = writeComment(checker, symbol, "");
    if (symbol.flags & (ts.SymbolFlags.TypeAlias | ts.SymbolFlags.Interface)) {
        const members = writeMembers(checker, checker.getDeclaredTypeOfSymbol(symbol), "");
        return `${comment}export interface ${symbol.name} ${members}\n`;
    }
    if (symbol.flags & ts.SymbolFlags.Function) {
        const { parameters, type } = symbol.valueDeclaration as ts.FunctionDeclaration;
        const given = parameters.map((parameter) => parameter.getText()).join(", ");
        return `${comment}export declare function ${symbol.name}(${given}): ${type!.getText()};\n`;
    }
    throw new Error(`src/index.ts exports ${symbol.name}, which is neither a type nor a function.`);
}

function writeType(checker: ts.TypeChecker, type: ts.Type, indent: string): string {
    if (type.isUnion()) {
        // As it prints itself, a boolean is one word and not two.
        const isFlat = type.types.every((member) => !(member.flags & ts.TypeFlags.Object));
        if (isFlat) return plain(checker, type);
        return type.types.map((member) => writeType(checker, member, indent)).join(" | ");
    }
    if (!(type.flags & ts.TypeFlags.Object)) return plain(checker, type);
    // A table that drizzle made: known by what it is at run time.
    if (type.symbol?.name === "PgTable") return "object";
    if (checker.isArrayType(type)) {
        const [item] = checker.getTypeArguments(type as ts.TypeReference);
        const written = writeType(checker, item!, indent);
        return /[ |]/.test(written) ? `Array<${written}>` : `${written}[]`;
    }
    const index = checker.getIndexInfoOfType(type, ts.IndexKind.String);
    if (index !== undefined) return `Record<string, ${writeType(checker, index.type, indent)}>`;
    return checker.getPropertiesOfType(type).length === 0 ? plain(checker, type) : writeMembers(checker, type, indent);
}

function writeMembers(checker: ts.TypeChecker, type: ts.Type, indent: string): string {
    const inner = `${indent}    `;
    const members = checker.getPropertiesOfType(type).map((member) => {
        const isOptional = (member.flags & ts.SymbolFlags.Optional) !== 0;
        const written = writeType(checker, checker.getTypeOfSymbol(member), inner);
        const text = isOptional ? `?: ${written.replace(/ \| undefined$|^undefined \| /, "")}` : `: ${written}`;
        return `${writeComment(checker, member, inner)}${inner}${member.name}${text};\n`;
    });
    return `{\n${members.join("")}${indent}}`;
}

const plain = (checker: ts.TypeChecker, type: ts.Type) =>
    checker.typeToString(type, undefined, ts.TypeFormatFlags.NoTruncation);

function writeComment(checker: ts.TypeChecker, symbol: ts.Symbol, indent: string): string {
    const text = ts.displayPartsToString(symbol.getDocumentationComment(checker));
    if (text === "") return "";
    const lines = text.replaceAll("*/", "*\\/").split("\n");
    if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
    return `${indent}/**\n${lines.map((line) => `${indent} * ${line}`.trimEnd()).join("\n")}\n${indent} */\n`;
}
