import { html, raw } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";

/** As much of an OpenAPI document as the page shows. */
export interface ApiDocument {
  info: { title: string; version: string; description?: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

interface Operation {
  summary?: string;
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema: Schema }[];
  requestBody?: { content: Content };
  responses: Record<string, { description: string; content?: Content }>;
}

type Content = Record<string, { schema: Schema }>;

interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  description?: string;
  enum?: unknown[];
  default?: unknown;
  items?: Schema;
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
}

type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

/** A page of plain HTML, without a script or a style of its own. Whatever comes from the document is escaped. */
export function docsPage({ info, paths, components }: ApiDocument): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => operationSection(method, path, operation)),
  );
  const schemas = Object.entries(components.schemas).map(([name, schema]) => schemaSection(name, schema));
  return String(
    html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <title>${info.title} API</title>
          <link rel="stylesheet" href="/docs/style.css" />
        </head>
        <body>
          <h1>${info.title} API, version ${info.version}</h1>
          <p>
            ${info.description ?? ""} Every request to <code>/v1</code> carries
            <code>Authorization: Bearer KEY</code>. Errors are <code>application/problem+json</code>. The same
            for machines: <a href="/openapi.json">openapi.json</a>.
          </p>
          ${operations}
          <h1>Shapes</h1>
          ${schemas}
        </body>
      </html> `,
  );
}

function operationSection(method: string, path: string, operation: Operation): Html {
  const { summary = "", parameters = [], requestBody, responses } = operation;
  return html`<section>
    <h2><code>${method.toUpperCase()} ${path}</code></h2>
    <p>${summary}.</p>
    ${parameters.length > 0 ? parameterTable(parameters) : ""}
    ${requestBody === undefined ? "" : html`<p>Body: ${contentTypes(requestBody.content)}</p>`}
    <table>
      <tr>
        <th>Answer</th>
        <th>Meaning</th>
        <th>Body</th>
      </tr>
      ${Object.entries(responses).map(([status, { description, content = {} }]) => row(status, description, contentTypes(content)))}
    </table>
  </section> `;
}

function parameterTable(parameters: NonNullable<Operation["parameters"]>): Html {
  return html`<table>
    <tr>
      <th>Parameter</th>
      <th>Type</th>
      <th>Meaning</th>
    </tr>
    ${parameters.map((parameter) => {
      const place = parameter.required ? `${parameter.in}, required` : parameter.in;
      return row(
        html`<code>${parameter.name}</code> (${place})`,
        typeOf(parameter.schema),
        meaningOf(parameter),
      );
    })}
  </table>`;
}

function schemaSection(name: string, schema: Schema): Html {
  const required = new Set(schema.required);
  const fields = Object.entries(schema.properties ?? {});
  return html`<section id="${name}">
    <h2><code>${name}</code></h2>
    <table>
      <tr>
        <th>Field</th>
        <th>Type</th>
        <th>Meaning</th>
      </tr>
      ${fields.map(([field, type]) => row(html`<code>${field}</code>${required.has(field) ? "" : " (optional)"}`, typeOf(type), meaningOf(type)))}
    </table>
  </section> `;
}

function row(...cells: (string | Html)[]): Html {
  return html`<tr>
    ${cells.map((cell) => html`<td>${cell}</td>`)}
  </tr> `;
}

function contentTypes(content: Content): Html {
  const types = Object.entries(content).map(
    ([type, { schema }]) => html`<code>${type}</code> ${typeOf(schema)} `,
  );
  return html`${types}`;
}

function typeOf(schema: Schema): Html {
  const name = schema.$ref?.split("/").at(-1);
  if (name !== undefined) return html`<a href="#${name}">${name}</a>`;
  if (schema.enum) return html`${schema.enum.map((value) => JSON.stringify(value)).join(" or ")}`;
  if (schema.anyOf) return alternatives(schema.anyOf);
  if (schema.items) return html`list of ${typeOf(schema.items)}`;
  if (schema.properties) return html`{${Object.keys(schema.properties).join(", ")}}`;
  return html`${[schema.format ?? schema.type ?? "any"].flat().join(" or ")}`;
}

function alternatives(schemas: readonly Schema[]): Html {
  return html`${schemas.map((schema, index) => html`${raw(index === 0 ? "" : " or ")}${typeOf(schema)}`)}`;
}

function meaningOf({ description, default: fallback }: { description?: string; default?: unknown }): string {
  const otherwise = fallback === undefined ? "" : ` Default: ${JSON.stringify(fallback)}.`;
  return `${description ?? ""}${otherwise}`;
}
