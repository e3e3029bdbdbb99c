/** What `recurve doctor` says: every adapter, whether it serves, the evidence, and what to install. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { AdapterChoice, AdapterKind, AdapterReport } from './adapter.js';
import { type ProbeResult, probe } from './probe.js';
import { driversFromEnvironment, inheritedEnvironment, installedManifests, lavapipeManifests } from './vulkan.js';

/** How an adapter choice fares on this machine. Plain JSON. */
export interface AdapterFinding {
  readonly choice: Exclude<AdapterChoice, 'auto'>;
  readonly status: 'found' | 'missing';
  /** What the adapter is, where it was found. */
  readonly report?: AdapterReport;
  /** Why it is missing, one sentence. */
  readonly reason?: string;
  /** What was looked at: driver manifests, device nodes, what Dawn printed. */
  readonly evidence: readonly string[];
  /** What to install or change, where it is missing. */
  readonly prescription?: string;
}

export interface Diagnosis {
  readonly platform: string;
  readonly node: string;
  /** What `--adapter auto` takes here; `undefined` if nothing serves. */
  readonly auto: AdapterKind | undefined;
  readonly adapters: readonly AdapterFinding[];
}

const CHOICES = ['hardware', 'lavapipe', 'swiftshader'] as const;
const PROBE_TIMEOUT_MS = 60_000;

/** Tries every adapter and says what was found. Never throws for a missing one. */
export async function diagnose(): Promise<Diagnosis> {
  const adapters = await listAdapters();
  const { result } = await outcome('auto');
  return {
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    auto: result.status === 'found' ? result.report.kind : undefined,
    adapters,
  };
}

/** Every adapter that can be chosen, in the order in which `auto` prefers them. */
export async function listAdapters(): Promise<AdapterFinding[]> {
  const findings: AdapterFinding[] = [];
  for (const choice of CHOICES) findings.push(await examine(choice));
  return findings;
}

async function examine(choice: AdapterFinding['choice']): Promise<AdapterFinding> {
  const { result, printed } = await outcome(choice);
  const evidence = [...evidenceFor(choice), ...printed];
  if (result.status === 'found') return { choice, status: 'found', report: result.report, evidence };
  return { choice, status: 'missing', reason: result.reason, prescription: result.fix, evidence };
}

function evidenceFor(choice: AdapterFinding['choice']): string[] {
  if (process.platform !== 'linux') return [];
  switch (choice) {
    case 'hardware':
      return [
        `Vulkan drivers: ${installedManifests().join(', ') || 'none installed'}`,
        `GPU device nodes: ${deviceNodes().join(', ') || 'none'}`,
        ...(driversFromEnvironment() ? [`drivers named by the environment: ${driversFromEnvironment()}`] : []),
      ];
    case 'lavapipe':
      return [`lavapipe's manifest: ${lavapipeManifests().join(', ') || 'none installed'}`];
    case 'swiftshader':
      return [];
  }
}

function deviceNodes(): string[] {
  const nodes = (folder: string, pattern: RegExp) => {
    try {
      return readdirSync(folder)
        .filter((name) => pattern.test(name))
        .map((name) => `${folder}/${name}`);
    } catch {
      return [];
    }
  };
  return [...nodes('/dev/dri', /^renderD/), ...nodes('/dev', /^nvidia\d+$/)];
}

interface Outcome {
  readonly result: ProbeResult;
  /** Lines that Dawn or the driver printed. */
  readonly printed: readonly string[];
}

/**
 * Probes in a process of its own: a broken driver may crash it, and what Dawn prints about a refused driver is
 * evidence. From sources there is no compiled probe to start, and this process does it.
 */
async function outcome(choice: AdapterChoice): Promise<Outcome> {
  const script = fileURLToPath(new URL('./probe.js', import.meta.url));
  if (!existsSync(script)) return { result: await probe(choice), printed: [] };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [script, choice],
      { timeout: PROBE_TIMEOUT_MS, env: inheritedEnvironment() },
      (error, stdout, stderr) => {
        const printed = significant(stderr);
        try {
          resolve({ result: JSON.parse(stdout) as ProbeResult, printed });
        } catch {
          const reason = `the driver brought the probing process down (${error?.signal ?? error?.message.split('\n')[0] ?? 'no answer'})`;
          const fix = 'Update or remove that driver, or choose another with --adapter.';
          resolve({ result: { status: 'missing', code: 'ADAPTER-REFUSED', reason, fix }, printed });
        }
      },
    );
  });
}

/** Dawn prefixes what it has to say; its note on dynamic offsets is about nothing we use. */
function significant(stderr: string): string[] {
  const lines = stderr.split('\n').filter((line) => /^(Warning|Error): /.test(line) && !line.includes('PerPipelineLayout'));
  return [...new Set(lines)];
}
