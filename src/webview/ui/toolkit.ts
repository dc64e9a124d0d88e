/**
 * The one importer of the UI toolkit, which is deprecated upstream: to replace it, replace this file. It registers the
 * elements the pages use and tells JSX about them.
 */
import {
  provideVSCodeDesignSystem,
  vsCodeBadge,
  vsCodeButton,
  vsCodeCheckbox,
  vsCodeDropdown,
  vsCodeOption,
  vsCodePanels,
  vsCodePanelTab,
  vsCodePanelView,
  vsCodeProgressRing,
  vsCodeRadio,
  vsCodeRadioGroup,
  vsCodeTextArea,
  vsCodeTextField,
} from "@vscode/webview-ui-toolkit";
import type { HTMLAttributes } from "preact";

/** Makes the elements known to the browser; called once by each page. */
export function registerToolkit(): void {
  provideVSCodeDesignSystem().register(
    vsCodeBadge(),
    vsCodeButton(),
    vsCodeCheckbox(),
    vsCodeDropdown(),
    vsCodeOption(),
    vsCodePanels(),
    vsCodePanelTab(),
    vsCodePanelView(),
    vsCodeProgressRing(),
    vsCodeRadio(),
    vsCodeRadioGroup(),
    vsCodeTextArea(),
    vsCodeTextField(),
  );
}

/** An element of the toolkit in JSX: attributes of any HTML element, and its own. */
type ToolkitElement<Own = object> = HTMLAttributes<HTMLElement> & Own;

declare module "preact" {
  namespace JSX {
    interface IntrinsicElements {
      "vscode-badge": ToolkitElement;
      "vscode-button": ToolkitElement<{
        appearance?: "primary" | "secondary" | "icon";
        disabled?: boolean;
        "aria-pressed"?: boolean | "true" | "false";
      }>;
      "vscode-checkbox": ToolkitElement<{ checked?: boolean; disabled?: boolean }>;
      "vscode-dropdown": ToolkitElement<{ value?: string; disabled?: boolean }>;
      "vscode-option": ToolkitElement<{ value?: string; selected?: boolean }>;
      "vscode-panels": ToolkitElement<{ activeid?: string }>;
      "vscode-panel-tab": ToolkitElement;
      "vscode-panel-view": ToolkitElement;
      "vscode-progress-ring": ToolkitElement;
      "vscode-radio": ToolkitElement<{ value?: string; checked?: boolean }>;
      "vscode-radio-group": ToolkitElement<{
        value?: string;
        name?: string;
        orientation?: "horizontal" | "vertical";
      }>;
      "vscode-text-area": ToolkitElement<{
        value?: string;
        placeholder?: string;
        rows?: number;
        resize?: string;
      }>;
      "vscode-text-field": ToolkitElement<{
        value?: string;
        placeholder?: string;
        type?: string;
        disabled?: boolean;
      }>;
    }
  }
}
