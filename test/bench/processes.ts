import { readdirSync, readFileSync } from 'node:fs';

/** The processes of a vLLM on this machine. */
export interface VllmProcesses {
  /** handles HTTP, decodes frames and tokenizes prompts */
  api: number;
  /** schedules and runs the model; it has child processes */
  core: number;
}

interface Process {
  pid: number;
  parent: number;
  command: string;
}

/**
 * Finds the vLLM that listens on a port. Linux only.
 * @throws Error if there is none
 */
export function vllmProcesses(port: number): VllmProcesses {
  const all = allProcesses();
  const core = all.find(({ command }) => command.includes('VLLM::EngineCore'));
  const served = (process: Process) => new RegExp(`vllm.* serve .*--port ${port}( |$)`).test(process.command);
  const api = all.find((process) => process.pid === core?.parent && served(process));
  if (!core || !api) throw new Error(`No vLLM listens on port ${port} of this machine.`);
  return { api: api.pid, core: core.pid };
}

/** The ids of a process and all its descendants. */
export function processTree(root: number): number[] {
  const all = allProcesses();
  const below = (pid: number): number[] => [
    pid,
    ...all.filter(({ parent }) => parent === pid).flatMap((child) => below(child.pid)),
  ];
  return below(root);
}

function allProcesses(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
        const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
        const command = readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ');
        return [{ pid: Number(name), parent, command }];
      } catch {
        // The process has ended meanwhile.
        return [];
      }
    });
}
