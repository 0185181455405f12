import { didYouMean } from '../checking/did-you-mean.ts';

/** So many programs read these that a similar name is no sign of a mistake. */
const COMMON_NAMES = ['HOST', 'PORT'];

/** A variable that begins like this was set for this service. */
const FAMILIES = ['ENGINE_', 'EMBEDDED_'];

/** Variables of web frameworks that are similar to ours. */
const OTHERS = ['APP_KEY', 'APP_KEYS'];

/** Shorter names may have one wrong letter only: with two, FFMPEG_BIN, another program's variable, would match FFMPEG_DIR. */
const SHORT = 10;

/** Endings that do not change which variable was meant: a unit, or `_FILE` for a file that contains the value. */
const ENDING = /_(FILE|S|SECS?|SECONDS|MS|SIZE|BYTES|KB|MB|GB|KIB|MIB|GIB)$/i;

/**
 * Kubernetes and Docker set these variables in a container for every other service, named after that service: a service called
 * `engine` sets ENGINE_PORT=tcp://10.0.0.7:8000.
 */
const SERVICE_LINK = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?|ENV_\w+)$/;
const LINK_VALUE = /^(\/|(tcp|udp|sctp):\/\/)/;

/**
 * Finds variables that look like those of the service but are not: misspelt, in the singular, with another unit, or invented.
 * The service would ignore them: with `API_KEY` instead of `API_KEYS` it would be open to everybody. Empty variables are
 * skipped.
 * @param known names of the service's variables
 * @returns a message for each variable
 */
export function mistakenVariables(env: Record<string, string | undefined>, known: string[]): string[] {
  return Object.entries(env).flatMap(([name, value]) => {
    if (!value || known.includes(name) || OTHERS.includes(name) || isServiceLink(name, value)) return [];
    const meant = meantBy(name, known);
    if (meant) return [`${name} is not a variable of this service. Did you mean ${meant}?`];
    const family = FAMILIES.find((start) => name.startsWith(start));
    if (!family) return [];
    const members = known.filter((each) => each.startsWith(family));
    return [`${name} is not a variable of this service. Those that begin with ${family} are ${members.join(', ')}.`];
  });
}

function meantBy(name: string, known: string[]): string | undefined {
  const own = known.filter((each) => !COMMON_NAMES.includes(each));
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

/** Compares the names without a unit or `_FILE` at the end. */
function nearStem(name: string, own: string[]): string | undefined {
  const stem = name.replace(ENDING, '');
  const byStem = new Map(own.map((each) => [each.replace(ENDING, ''), each]));
  const meant = near(stem, [...byStem.keys()]);
  return meant && byStem.get(meant);
}

function isServiceLink(name: string, value: string): boolean {
  return SERVICE_LINK.test(name) || (/_(PORT|NAME)$/.test(name) && LINK_VALUE.test(value));
}
