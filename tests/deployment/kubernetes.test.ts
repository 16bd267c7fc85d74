/** docs/operations/kubernetes, by the schemas of Kubernetes' own API, and held to the image and the program. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DockerfileParser } from "dockerfile-ast";
import { Deployment } from "kubernetes-models/apps/v1";
import { PersistentVolumeClaim, Secret, Service } from "kubernetes-models/v1";
import manifest from "../../package.json";
import { settings } from "../../src/config/settings.ts";
import { parseDatabaseUrl } from "../../src/database/database-target.ts";
import { useApi } from "../api/api-fixture.ts";
import { projectDir } from "../support/test-server.ts";
import { variables } from "./project-commands.ts";

const folder = join(projectDir, "docs/operations/kubernetes");
const read = (name: string) => [Bun.YAML.parse(readFileSync(join(folder, name), "utf8"))].flat() as { kind: string }[];
const documents = [...read("secret.example.yaml"), ...read("sluice.yaml")];
const find = <Kind>(kind: string) => documents.find((document) => document.kind === kind) as Kind;

const models: Record<string, { prototype: { validate(): void } }> = {
    Deployment,
    PersistentVolumeClaim,
    Secret,
    Service,
};

/**
 * What Kubernetes would refuse or leave out. Its schemas let unknown properties through, so those are found by what the
 * validation has never asked for.
 */
function faultsIn(document: { kind: string }): string[] {
    const unread = new Set<string>();
    try {
        models[document.kind]!.prototype.validate.call(watch(document, document.kind, unread));
    } catch (error) {
        return [(error as Error).message];
    }
    return [...unread].map((path) => `${path}: no such property`);
}

function watch(value: unknown, path: string, unread: Set<string>): unknown {
    if (Array.isArray(value)) return value.map((item, index) => watch(item, `${path}[${index}]`, unread));
    if (typeof value !== "object" || value === null) return value;
    const watched = Object.entries(value).map(([name, inner]) => {
        unread.add(`${path}.${name}`);
        return [name, watch(inner, `${path}.${name}`, unread)];
    });
    return new Proxy(Object.fromEntries(watched), {
        get(target, name) {
            unread.delete(`${path}.${String(name)}`);
            return Reflect.get(target, name);
        },
    });
}

test.each(documents.map((document) => [document.kind, document] as const))(
    "the %s is one of Kubernetes'",
    (_, document) => {
        expect(faultsIn(document)).toEqual([]);
    },
);

describe("should fail", () => {
    const changed = (from: string, to: string) => JSON.parse(JSON.stringify(find("Deployment")).replace(from, to));

    test.each([
        ['"runAsNonRoot":true', '"runAsNonRoot":"yes"', "runAsNonRoot must be boolean"],
        ['"readOnlyRootFilesystem"', '"readOnlyRootFileSystem"', "readOnlyRootFileSystem: no such property"],
        ['"selector"', '"select"', "required property selector"],
        ['"path":"/livez"', '"url":"/livez"', "httpGet.url: no such property"],
    ])("%s as %s", (from, to, fault) => {
        expect(faultsIn(changed(from, to)).join()).toContain(fault);
    });
});

const { template, ...deployment } = find<Deployment>("Deployment").spec!;
const pod = template.spec!;
const container = pod.containers[0]!;

test("the names that one document takes from another are there", () => {
    const secret = find<Secret>("Secret");
    const keys = container.env!.flatMap(({ valueFrom }) => (valueFrom ? [valueFrom.secretKeyRef!] : []));
    expect(keys.filter(({ name, key }) => name !== secret.metadata!.name || !(key in secret.stringData!))).toEqual([]);
    const claims = pod.volumes!.flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? []);
    expect(claims).toEqual([find<PersistentVolumeClaim>("PersistentVolumeClaim").metadata!.name!]);
    const mounted = container.volumeMounts!.map(({ name }) => name);
    expect(mounted).toEqual(pod.volumes!.map(({ name }) => name));
    const { selector, ports } = find<Service>("Service").spec!;
    expect(selector!).toEqual(template.metadata!.labels!);
    expect(deployment.selector.matchLabels!).toEqual(template.metadata!.labels!);
    expect(ports!.map(({ targetPort }) => targetPort)).toEqual(container.ports!.map(({ name }) => name));
});

test("it sets variables that are settings, and an example of the secret that would be taken", () => {
    const names = container.env!.map(({ name }) => name);
    expect(names.filter((name) => !variables.includes(name))).toEqual([]);
    expect(pod.enableServiceLinks).toBe(false);
    const { "database-url": url, "api-token": token } = find<Secret>("Secret").stringData!;
    expect(parseDatabaseUrl(url!).user).toBe("sluice_owner");
    expect(token!.length).toBeGreaterThan(31);
    expect(container.image).toEndWith(`:${manifest.version}`);
});

test("the pod is the image's user, on its port, with its folder, and may write nowhere else", () => {
    const image = DockerfileParser.parse(readFileSync(join(projectDir, "Dockerfile"), "utf8")).getInstructions();
    const of = (keyword: string) =>
        image.findLast((instruction) => instruction.getKeyword() === keyword)!.getArgumentsContent()!;

    const { runAsUser, runAsGroup, runAsNonRoot } = pod.securityContext!;
    expect([`${runAsUser}:${runAsGroup}`, runAsNonRoot]).toEqual([of("USER"), true]);
    expect(container.ports!.map(({ containerPort }) => String(containerPort))).toEqual([of("EXPOSE")]);
    expect(settings.port.fallbackText).toBe(of("EXPOSE"));
    expect(of("ENV")).toContain(`SLUICE_INPUT_DIR=${container.volumeMounts![0]!.mountPath}`);
    expect(container.securityContext).toEqual({
        readOnlyRootFilesystem: true,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ["ALL"] },
    });
});

describe("the probes", () => {
    const token = "a-token-of-more-than-thirty-two-bytes";
    const api = useApi(import.meta.path, { token });

    test("ask the API for what it answers, without its token", async () => {
        for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe]) {
            const path = probe!.httpGet!.path!;
            expect([path, (await api.app.request(path)).status]).toEqual([path, 200]);
        }
        expect((await api.app.request("/v1/status")).status).toBe(401);
    });
});
