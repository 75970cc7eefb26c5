// Bundles each file into one beside it, with .cjs, and prints the errors and warnings of each.
// Nothing is minified: Terser takes long, and all tests in browsers run what it makes of the client.
const path = require('node:path');
const { createRequire } = require('node:module');

const webpack = createRequire(process.cwd() + '/')('webpack');

webpack(process.argv.slice(2).map((entry) => ({
  mode: 'production',
  devtool: false,
  optimization: { minimize: false },
  context: path.dirname(entry),
  entry,
  target: 'web',
  output: { path: path.dirname(entry), filename: path.basename(entry, '.js') + '.cjs' }
})), (error, stats) => {
  if (error) throw error;
  const told = stats.stats.map((each) => each.toJson()).map(({ errors, warnings }) => (
    [...errors, ...warnings].map(({ message }) => message)
  ));

  process.stdout.write(JSON.stringify(told));
});
