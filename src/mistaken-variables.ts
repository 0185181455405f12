import { didYouMean } from './did-you-mean.ts';

/** Read by so many programs that no name near them tells anything. */
const EVERYBODYS = ['HOST', 'PORT'];

/** Whatever begins like this was written for this service. */
const FAMILIES = ['ENGINE_', 'EMBEDDED_'];

/** Other programs' variables that are near one of ours: of web frameworks. */
const OTHERS = ['APP_KEY', 'APP_KEYS'];

/** In a name of fewer letters a second wrong one makes it another program's: FFMPEG_BIN is not FFMPEG_DIR. */
const SHORT = 10;

/** How a name may end without meaning anything else: a unit, or the file that holds the value. */
const ENDING = /_(FILE|S|SECS?|SECONDS|MS|SIZE|BYTES|KB|MB|GB|KIB|MIB|GIB)$/i;

/**
 * Kubernetes and Docker set these in a container for each service beside it, named after that service: one that is called
 * `engine` gives ENGINE_PORT=tcp://10.0.0.7:8000.
 */
const SERVICE_LINK = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?|ENV_\w+)$/;
const LINK_VALUE = /^(\/|(tcp|udp|sctp):\/\/)/;

/**
 * Variables that look like the service's and are not: misspelt, in the singular, with another unit, or invented. Nothing reads
 * them: with `API_KEY` for `API_KEYS` the service would be open to everybody. Empty ones are left alone.
 * @param known names of the service's variables
 * @returns a sentence for each
 */
export function mistakenVariables(env: Record<string, string | undefined>, known: string[]): string[] {
  return Object.entries(env).flatMap(([name, value]) => {
    if (!value || known.includes(name) || OTHERS.includes(name) || isServiceLink(name, value)) return [];
    const meant = meantBy(name, known);
    if (meant) return [`${name} is no variable of this service. Did you mean ${meant}?`];
    const family = FAMILIES.find((start) => name.startsWith(start));
    if (!family) return [];
    const members = known.filter((each) => each.startsWith(family));
    return [`${name} is no variable of this service. Those that begin with ${family} are ${members.join(', ')}.`];
  });
}

function meantBy(name: string, known: string[]): string | undefined {
  const own = known.filter((each) => !EVERYBODYS.includes(each));
  const prefixed = /^TOPREWARD_(\w+)$/.exec(name)?.[1];
  if (prefixed && own.includes(prefixed)) return prefixed;
  return near(name, own) ?? nearStem(name, own);
}

function near(name: string, own: string[]): string | undefined {
  const isShort = (each: string) => each.replaceAll('_', '').length < SHORT;
  const short = own.filter(isShort);
  const long = own.filter((each) => !isShort(each));
  return didYouMean(name, short, 1) ?? didYouMean(name, long);
}

/** Compares what stands before a unit or `_FILE`. */
function nearStem(name: string, own: string[]): string | undefined {
  const stem = name.replace(ENDING, '');
  const byStem = new Map(own.map((each) => [each.replace(ENDING, ''), each]));
  const meant = near(stem, [...byStem.keys()]);
  return meant && byStem.get(meant);
}

function isServiceLink(name: string, value: string): boolean {
  return SERVICE_LINK.test(name) || (/_(PORT|NAME)$/.test(name) && LINK_VALUE.test(value));
}
