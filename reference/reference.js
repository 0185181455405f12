// The API reference: Scalar, shown with the OpenAPI document of this service. It must work without any other host. So telemetry,
// the proxy, web fonts, the chat and the links to Scalar's services are off, and the Content-Security-Policy blocks the rest.

const TITLE = 'topreward-server API';

/** Rows for files that nobody has chosen yet. The code samples show them as files of these names. */
const PLACEHOLDERS = ['@000.jpg', '@001.jpg'];

/** The schema that a reference names. */
const nameOf = ({ $ref }) => $ref.split('/').at(-1);

/**
 * Scalar edits a form in a table, with a row for every leaf of its schema. A part that is JSON would become more than a hundred
 * rows, and an array of files one row. Here each part gets a row, JSON as text, and `frames` two rows.
 */
function simplifyForm(form, schemas) {
  const { properties } = schemas[nameOf(form.schema)];
  form.example = Object.entries(properties).flatMap(([name, part]) => {
    if (!(name in form.encoding)) {
      properties[name] = { type: 'string', format: 'binary', description: part.description };
      if (name === 'frames') return PLACEHOLDERS.map((value) => ({ name, value }));
      return { name, value: '', isDisabled: true, isDisabledByDefault: true };
    }
    const schema = nameOf(part);
    const { description, examples = [{}] } = schemas[schema];
    properties[name] = { type: 'object', description: `JSON, see [${schema}](#schemas/${schema}). ${description}` };
    return { name, value: JSON.stringify(form.example?.[name] ?? examples[0]) };
  });
}

async function loadContract() {
  if (!window.Scalar) throw new Error('a script did not load');
  const response = await fetch('docs/json');
  if (!response.ok) throw new Error(`the service responded with status ${response.status}`);
  const contract = await response.json();
  contract.info.title = TITLE;
  // Only the service that sent this page: the policy of the page allows no other.
  contract.servers = [{ url: new URL('.', location.href).href.replace(/\/$/, '') }];
  for (const methods of Object.values(contract.paths)) {
    for (const { requestBody } of Object.values(methods)) {
      const form = requestBody?.content['multipart/form-data'];
      if (form) simplifyForm(form, contract.components.schemas);
    }
  }
  return contract;
}

/** Leaves out the placeholders, so that somebody who chooses a .npy or a video need not remove them. */
function dropPlaceholders({ requestBuilder: { body } }) {
  if (body?.mode === 'formdata') body.value = body.value.filter(({ value }) => !PLACEHOLDERS.includes(value));
}

/** Shows why there is no reference, with links to the contract itself. */
function showFault({ message }) {
  const fault = document.querySelector('#fault');
  fault.querySelector('span').textContent = message;
  fault.hidden = false;
}

const content = await loadContract().catch(showFault);
const own = location.origin;

const options = {
  content,
  title: TITLE,
  telemetry: false,
  proxyUrl: '',
  externalUrls: { dashboardUrl: own, registryUrl: own, proxyUrl: own, apiBaseUrl: own },
  agent: { disabled: true },
  mcp: { disabled: true },
  showDeveloperTools: 'never',
  hideClientButton: true,
  withDefaultFonts: false,
  persistAuth: false,
  // The page links to the documents themselves. Scalar would give its own copy.
  documentDownloadType: 'none',
  defaultOpenAllTags: true,
  modelsSectionLabel: 'Schemas',
  orderSchemaPropertiesBy: 'preserve',
  featuredClients: ['shell/curl', 'python/requests', 'js/fetch', 'go/native', 'java/nethttp'],
  onBeforeRequest: dropPlaceholders,
  defaultHttpClient: { targetKey: 'shell', clientKey: 'curl' },
};

if (content) window.Scalar.createApiReference('#reference', options);
