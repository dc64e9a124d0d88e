import type { LaboratoryToPage } from "../../protocol/webview/laboratory.ts";

/** What the host told last of a result. */
type Told<Type extends LaboratoryToPage["type"]> = Omit<Extract<LaboratoryToPage, { type: Type }>, "type">;

/** Everything the page knows from its host. */
export interface PageState {
  readonly shown: Told<"result"> | null;
  readonly damaged: string | null;
  readonly blur: boolean;
}

export const initialState: PageState = { shown: null, damaged: null, blur: true };

/** The state after a message of the host. */
export function reduce(state: PageState, message: LaboratoryToPage): PageState {
  switch (message.type) {
    case "result": {
      const { type: _, ...shown } = message;
      return { ...state, shown, damaged: null };
    }
    case "damaged":
      return { ...state, shown: null, damaged: message.message };
    case "blur":
      return { ...state, blur: message.blur };
  }
}
