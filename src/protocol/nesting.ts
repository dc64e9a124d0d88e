/** Lists and objects inside each other above which a text is no JSON that anybody wrote, and recursion may overflow the stack. */
const MOST_DEEP = 500;

/** Whether the lists and objects of a JSON text are nested deeper than any reader goes; the text need not be valid. */
export function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22: // "
        for (at++; at < text.length && text.charCodeAt(at) !== 0x22; at++) {
          if (text.charCodeAt(at) === 0x5c) at++; // what is escaped ends no text
        }
        break;
      case 0x5b: // [
      case 0x7b: // {
        if (++depth > MOST_DEEP) return true;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth--;
    }
  }
  return false;
}
