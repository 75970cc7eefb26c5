/**
 * Minifies what comes as JSON on the standard input: a list of jobs, `{ sources, kind }`, where
 * `sources` are the texts of files by name. Those of a `core` or `half` are together the body of a
 * function; a `wrapper` is a script with placeholders. Answers with a list of `{ code, map }`.
 * Terser is taken from the directory it is run in.
 */
const { minify } = require(require.resolve('terser', { paths: [process.cwd()] }));

const PRIVATE = /\b_[a-z]\w*/g;
// What the halves of a server refer to, and what is hidden from them: see umd.js.
const NAMES = ['root', 'host', 'define', 'module', 'exports', 'require'];

// What is only for developers goes: see developing.js.
const DEFINED = { DEVELOPING: false };

/**
 * New names for private members, ending in an underscore: members of a user or of a plugin, which
 * stand beside them on the same objects, are not called so.
 */
function privateNames(sources) {
  const found = new Set(Object.values(sources).join('\n').match(PRIVATE));
  const letters = 'abcdefghijklmnopqrstuvwxyz';
  const names = Array.from(found).sort().map((name, index) => {
    const high = Math.floor(index / 26);

    return ['$' + name, (high ? letters[high - 1] : '') + letters[index % 26] + '_'];
  });

  return { props: { props: Object.fromEntries(names) } };
}

/** The sources without a definition of what is `DEFINED` here. */
function production(sources) {
  const entries = Object.entries(sources).map(([name, text]) => (
    [name, text.replace('const DEVELOPING = true;', '')]
  ));

  return Object.fromEntries(entries);
}

function settings({ sources, kind }) {
  if (kind === 'wrapper') {
    return {
      ecma: 2015,
      compress: { unused: false, global_defs: DEFINED },
      mangle: { toplevel: false, reserved: NAMES },
      format: { comments: /^!|webpackIgnore|@vite-ignore/ }
    };
  }
  return {
    ecma: 2015,
    parse: { bare_returns: true },
    toplevel: true,
    compress: { passes: 3, global_defs: DEFINED },
    mangle: kind === 'core' ? { properties: { regex: /^_[a-z]/ } } : true,
    nameCache: kind === 'core' ? privateNames(sources) : undefined,
    sourceMap: true
  };
}

async function main() {
  const jobs = JSON.parse(require('fs').readFileSync(0, 'utf8'));
  const made = [];

  for (const job of jobs) {
    const { code, map } = await minify(production(job.sources), settings(job));

    made.push({ code, map: map || '' });
  }
  process.stdout.write(JSON.stringify(made));
}

main();
