import { readdirSync, readFileSync } from 'node:fs';

/** The processes of a vLLM on this machine. */
export interface VllmProcesses {
  /** answers HTTP, reads frames in, and cuts prompts into tokens */
  api: number;
  /** schedules and runs the model, with processes of its own below it */
  core: number;
}

interface Process {
  pid: number;
  parent: number;
  command: string;
}

/**
 * Finds the vLLM that serves on a port. Linux only.
 * @throws Error when there is none
 */
export function vllmProcesses(port: number): VllmProcesses {
  const all = allProcesses();
  const core = all.find(({ command }) => command.includes('VLLM::EngineCore'));
  const served = (process: Process) => new RegExp(`vllm.* serve .*--port ${port}( |$)`).test(process.command);
  const api = all.find((process) => process.pid === core?.parent && served(process));
  if (!core || !api) throw new Error(`No vLLM serves on port ${port} of this machine.`);
  return { api: api.pid, core: core.pid };
}

/** A process and all below it. */
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
        // It has ended since.
        return [];
      }
    });
}
