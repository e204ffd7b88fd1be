// The HTML of every page as the server sends it. Invalid nesting is not a matter of taste: the browser repairs it, and
// then the islands do not find what they expect.
import { type ConfigData, HtmlValidate } from "html-validate";
import { expect, test } from "../../fixtures/test";
import { VIEWS } from "../../fixtures/views";

const CONFIG: ConfigData = {
  root: true,
  extends: ["html-validate:recommended"],
  rules: {
    // How it is written, not what it means: the renderer decides that.
    "attr-quotes": "off",
    "attribute-boolean-style": "off",
    "attribute-empty-style": "off",
    "doctype-style": "off",
    "no-implicit-close": "off",
    "no-raw-characters": "off",
    "no-trailing-whitespace": "off",
    "void-style": "off",
    "long-title": "off",
    // A filter asks for several statuses by ticking several boxes of one name.
    "form-dup-name": ["error", { shared: ["checkbox", "radio", "submit"] }],
    // A drawing with role="img" is named by its label.
    "aria-label-misuse": ["error", { allowAnyNamable: true }],
    // A tel: link would call somebody.
    "tel-non-breaking": "off",
  },
};
const validator = new HtmlValidate(CONFIG);

/** What Leptos writes between two texts. All browsers read an empty comment (WHATWG HTML 13.2.5.42); the validator stops. */
const BETWEEN_TEXTS = /<!>/g;

for (const view of VIEWS) {
  test(`${view.name}: valid HTML`, async ({ page, show }) => {
    let document: Promise<string> | undefined;
    page.on("response", (response) => {
      const isPage = response.request().resourceType() === "document";
      if (isPage && (response.status() < 300 || response.status() >= 400)) document = response.text();
    });
    await show(view);
    const { results } = await validator.validateString((await document!).replace(BETWEEN_TEXTS, "<!-- -->"));
    const messages = results.flatMap((result) => result.messages);
    expect(messages.map(({ ruleId, message, line, column }) => `${ruleId}: ${message} (${line}:${column})`)).toEqual([]);
  });
}
