// The HTML of every page as the server sends it. Browsers repair invalid nesting, and then islands fail to hydrate.
import { type ConfigData, HtmlValidate } from "html-validate";
import { expect, test } from "../../fixtures/test";
import { VIEWS } from "../../fixtures/views";

const CONFIG: ConfigData = {
  root: true,
  extends: ["html-validate:recommended"],
  rules: {
    // Formatting, which the renderer decides.
    "attr-quotes": "off",
    "attribute-boolean-style": "off",
    "attribute-empty-style": "off",
    "doctype-style": "off",
    "no-implicit-close": "off",
    "no-raw-characters": "off",
    "no-trailing-whitespace": "off",
    "void-style": "off",
    "long-title": "off",
    // A filter may have several checkboxes with the same name.
    "form-dup-name": ["error", { shared: ["checkbox", "radio", "submit"] }],
    // An image with role="img" is named by its label.
    "aria-label-misuse": ["error", { allowAnyNamable: true }],
    // Phone numbers are not links.
    "tel-non-breaking": "off",
  },
};
const validator = new HtmlValidate(CONFIG);

/** Leptos writes this between two texts. Browsers parse it as an empty comment (WHATWG HTML 13.2.5.42); the validator rejects it. */
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
