/** A number in a text. */
interface Quantity {
  /** Not a number if it has no single meaning: "1.2.3" and "45,5". */
  value: number;
  /** whether a percent sign follows */
  percent: boolean;
  /** Whether it belongs to another number, as in "40-50%", "40% to 50%" or "3/4". */
  compound: boolean;
  start: number;
  end: number;
}

/** Digits, with a fraction, separators or an exponent. A sign is looked at afterwards. */
const NUMBER = /\d[\d.,]*(?:e[+-]?\d+)?/giu;
/** What may stand between a number and its percent sign: markup, and the braces of the prompt. */
const PERCENT = /[\s{}()[\]*_`]{0,4}[%％]/uy;
/** What joins two numbers to one statement. */
const JOINED = /^[\s{}()[\]*_`%％]*(?:->|[-–—−~/→]|to|and|or|of)[\s{}()[\]*_`]*$/iu;

/** Finds the numbers of a text, in order. Digits within a word, as in "step2", are none. Takes time in proportion to the length. */
export function* quantities(text: string): Generator<Quantity> {
  let previous: Quantity | undefined;
  for (const { 0: match, index } of text.matchAll(NUMBER)) {
    if (/\p{L}/u.test(text[index - 1] ?? '')) continue;
    // A full stop or a comma at the end belongs to the sentence.
    const digits = match.replace(/[.,]$/u, '');
    const end = index + digits.length;
    const next: Quantity = {
      value: numberOf(digits, text.slice(Math.max(0, index - 2), index)),
      percent: percentAt(text, end),
      compound: false,
      start: index,
      end,
    };
    if (previous) {
      if (isJoined(text, previous, next)) previous.compound = next.compound = true;
      yield previous;
    }
    previous = next;
  }
  if (previous) yield previous;
}

/** @param before up to two characters before the digits */
function numberOf(digits: string, before: string): number {
  if (/(?:^|[^.,])[.,]$/u.test(before)) return Number.NaN;
  // A dash is a sign if it neither follows a word or a dash nor begins the text. If it follows a number, it joins the two.
  const sign = /^[^\p{L}\-−][-−]$/u.test(before) ? -1 : 1;
  // A negative zero is zero.
  return sign * Number(digits) + 0;
}

function percentAt(text: string, end: number): boolean {
  PERCENT.lastIndex = end;
  return PERCENT.test(text);
}

/** Whether two numbers are one statement. After a percentage, only another percentage is: in "40% - 2 cups" it is complete. */
function isJoined(text: string, first: Quantity, second: Quantity): boolean {
  if (first.percent && !second.percent) return false;
  return JOINED.test(text.slice(first.end, second.start));
}
