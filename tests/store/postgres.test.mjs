// postgres.test.mjs: the schema and every statement before a real PostgreSQL: the one dialect is one.
// Starts a server of its own in a temporary folder, reached by a socket file; nothing listens on a port.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

function binaries() {
  const home = '/usr/lib/postgresql';
  let versions = [];
  try { versions = readdirSync(home).sort((a, b) => b - a); } catch { /* none installed */ }
  for (const version of versions) {
    const bin = join(home, version, 'bin');
    try { if (readdirSync(bin).includes('initdb')) return bin; } catch { /* a client only */ }
  }
  return null;
}

// PostgreSQL refuses to run as root.
const asRoot = process.getuid() === 0;
const id = (flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
function run(command, args, options = {}) {
  if (asRoot) return execFileSync('runuser', ['-u', 'postgres', '--', command, ...args], { encoding: 'utf8', cwd: '/', ...options });
  return execFileSync(command, args, { encoding: 'utf8', ...options });
}

function sqlFiles(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sqlFiles(path);
    return entry.name.endsWith('.sql') ? [path] : [];
  });
}

// The third word of each X("token", "SQLite", "PostgreSQL").
function tokens() {
  const text = readFileSync(join(root, 'src/store/tokens.h'), 'utf8');
  return [...text.matchAll(/X\("([^"]+)", "[^"]*", "([^"]*)"\)/g)].map(([, token, postgres]) => [token, postgres]);
}

function start(bin) {
  const dir = mkdtempSync('/tmp/malote-pg-');
  if (asRoot) chownSync(dir, id('-u'), id('-g'));
  const data = join(dir, 'data');
  run(join(bin, 'initdb'), ['-D', data, '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N']);
  run(join(bin, 'pg_ctl'), ['-D', data, '-w', '-l', join(dir, 'log'), '-o', `-c listen_addresses='' -k ${dir} -F`, 'start']);
  return {
    // Errors are thrown with the server's own words.
    sql(text) {
      return run(join(bin, 'psql'), ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-h', dir, '-d', 'postgres', '-f', '-'],
        { input: text, stdio: ['pipe', 'pipe', 'pipe'] }).trim();
    },
    stop() {
      run(join(bin, 'pg_ctl'), ['-D', data, '-m', 'immediate', 'stop']);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

const bin = binaries();
const skip = !bin && !process.env.CI ? 'no PostgreSQL is installed' : false;

test('PostgreSQL takes the schema and every statement', { skip }, async (t) => {
  assert.ok(bin, 'PostgreSQL must be installed where CI is set');
  const sql = JSON.parse(execFileSync('python3', [join(root, 'tools/sqlgen.py'), '--json', ...sqlFiles(join(root, 'src'))],
    { encoding: 'utf8' }));
  const server = start(bin);
  t.after(() => server.stop());

  await t.test('migrations', () => {
    const pairs = tokens();
    assert.ok(pairs.length >= 2);
    // store.c makes this one itself, in words that both take.
    const own = readFileSync(join(root, 'src/store/store.c'), 'utf8');
    const first = [...own.match(/"CREATE TABLE IF NOT EXISTS schema_migrations "\s*"([^"]*)"/)][1];
    server.sql(`CREATE TABLE IF NOT EXISTS schema_migrations ${first};`);
    for (const { name, text } of sql.migrations) {
      const own = pairs.reduce((all, [token, word]) => all.replaceAll(token, word), text);
      assert.doesNotMatch(own, /@[a-z]+@/, `${name}: a token without a word`);
      server.sql(`BEGIN; ${own}; COMMIT;`);
    }
    // Shardable: the workspace is in every primary and unique key, but for what is the node's own.
    const without = server.sql(`SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = 'public' AND i.indisunique AND c.relname NOT LIKE 'schema_migrations%'
        AND c.relname NOT LIKE 'workspaces%' AND c.relname NOT LIKE 'marks%'
        AND NOT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
          AND a.attname = 'workspace_id');`);
    assert.equal(without, '');
  });

  await t.test('statements', () => {
    const refused = [];
    for (const { name, file, text } of sql.statements) {
      try {
        // What the driver binds: 64-bit numbers, texts, bytes. Another guess of the server means that a cast is missing.
        const types = server.sql(`PREPARE ${name} AS ${text};
          SELECT array_to_string(parameter_types, ',') FROM pg_prepared_statements WHERE name = '${name}';`);
        const odd = types.split(',').filter((type) => type && !['bigint', 'text', 'bytea'].includes(type));
        if (odd.length) refused.push(`${file}: ${name}: a value is taken for ${odd}`);
      } catch (error) {
        refused.push(`${file}: ${name}: ${error.stderr || error.message}`);
      }
    }
    assert.deepEqual(refused, []);
    assert.ok(sql.statements.length > 30);
  });
});
