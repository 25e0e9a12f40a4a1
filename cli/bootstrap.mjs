// Entry point of every npm script: runs on Node 20 with nothing installed, makes node_modules ready, and hands over to
// main.ts under the project's own Node 24. Plain JavaScript without dependencies for that reason.
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { acquire } from "../setup/lock.mjs";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const bin = path.join(root, "node_modules", ".bin");
const OLDEST_NODE = 20;
const OWN_NODE = 24;
/** Tools are dev dependencies and the own Node an optional one; NODE_ENV=production and npm's `omit` would leave them out. */
const WHOLE = ["--include=dev", "--include=optional"];

/** @param {string} sentence */
function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

/** @param {string} version such as 24.21.0 */
const major = (version) => Number(version.split(".")[0]);

/** @param {string} file */
function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8"));
  } catch {
    return null;
  }
}

/**
 * Why node_modules is not what package-lock.json asks for; null if it is. npm writes its own copy of the lock file into
 * node_modules as the last thing of an installation, so an interrupted one has none.
 */
function missingModules() {
  const wanted = readJson(path.join(root, "package-lock.json"));
  if (!wanted) return "package-lock.json can't be read";
  const have = readJson(path.join(root, "node_modules", ".package-lock.json"));
  if (!have) return "node_modules is not there or incomplete";
  for (const [name, entry] of Object.entries(wanted.packages)) {
    if (name === "" || entry.optional) continue;
    const version = have.packages[name]?.version;
    if (version !== entry.version)
      return `${name.replace("node_modules/", "")} is ${version || "not there"}, ${entry.version} is wanted`;
  }
  const own = wanted.packages[`node_modules/node-${process.platform}-${process.arch}`];
  if (own && major(process.versions.node) < OWN_NODE && !fs.existsSync(path.join(bin, "node")))
    return "the project's own Node is not there";
  return null;
}

/**
 * Runs a program with this terminal, passes signals on and answers its exit code.
 * @param {string} program
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>}
 */
function run(program, args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, env, stdio: "inherit" });
    const pass = (signal) => {
      // Ctrl-C reaches the child by itself where both hang on one terminal; a second one would cut its tidying short.
      if (signal === "SIGINT" && process.stdin.isTTY) return;
      child.kill(signal);
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, pass);
    child.on("error", reject);
    child.on("exit", (code, signal) => resolve(signal ? 128 + os.constants.signals[signal] : (code ?? 1)));
  });
}

/**
 * Runs npm, saying now and then that it is still at it; answers its exit code and what it said.
 * @param {string[]} args
 * @returns {Promise<{ code: number, said: string }>}
 */
function npm(args) {
  // npm hands its own program to the scripts that it runs; without it (node cli/bootstrap.mjs) PATH must have one.
  const own = process.env.npm_execpath;
  const [program, ...first] = own && /\.c?js$/.test(own) ? [process.execPath, own] : ["npm"];
  const started = Date.now();
  return new Promise((resolve, reject) => {
    const all = [...first, ...args, "--loglevel=error", "--no-audit", "--no-fund"];
    const child = spawn(program, all, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += chunk));
    const beat = setInterval(() => {
      process.stderr.write(
        `npm ${args[0]}: ${Math.round((Date.now() - started) / 1000)} s so far, usually about 1 min\n`,
      );
    }, 15_000);
    const stop = (signal) => {
      child.kill(signal);
      child.on("exit", () => process.exit(128 + os.constants.signals[signal]));
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, stop);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearInterval(beat);
      for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.off(name, stop);
      resolve({ code: signal ? 1 : (code ?? 1), said });
    });
  });
}

/** @param {string} reason */
async function install(reason) {
  const started = Date.now();
  process.stderr.write(`npm ci: ${reason}\n`);
  let result = { code: 0, said: "" };
  try {
    result = await npm(["ci", ...WHOLE]);
    if (result.code !== 0 && /npm ci` can only install/.test(result.said)) {
      // It also refuses when a registry lacks an optional package of some other platform. npm install keeps to the same
      // versions and hashes and leaves such a package out.
      const missing = result.said.match(/Missing: \S+/g) || [];
      process.stderr.write(
        `npm ci: refused (${missing.slice(0, 3).join(", ")}); npm install from the same lock file instead\n`,
      );
      result = await npm(["install", "--no-save", ...WHOLE]);
    }
  } catch (error) {
    fail(
      `npm can't be run (${error.code}). It comes with Node (https://nodejs.org) or as Debian's package npm: install it and run this again.`,
    );
  }
  const lacking = result.code === 0 ? missingModules() : null;
  if (result.code !== 0 || lacking) {
    // The list of all of npm's options that ends its complaint helps nobody.
    const said = result.said.split("Clean install a project")[0].trim();
    fail(
      `${said}\nnpm ended with code ${result.code}${lacking ? `, but ${lacking}` : ""}. ` +
        "It needs the npm registry (npm config get registry). Run this again when that is mended.",
    );
  }
  process.stderr.write(`npm ci: done in ${Math.round((Date.now() - started) / 1000)} s\n`);
}

function ownNode() {
  const own = path.join(bin, "node");
  if (fs.existsSync(own)) return own;
  if (major(process.versions.node) >= OWN_NODE) return process.execPath;
  return fail(
    `There is no packaged Node for ${process.platform}-${process.arch}, and the Node that runs this is ${process.versions.node}: ` +
      `install Node ${OWN_NODE} or newer (https://nodejs.org) and run this again.`,
  );
}

async function main() {
  if (major(process.versions.node) < OLDEST_NODE) {
    fail(
      `Node ${OLDEST_NODE} or newer is needed to start, this is ${process.versions.node}: install a newer one (https://nodejs.org) and run this again.`,
    );
  }
  if (missingModules()) {
    const lock = await acquire(path.join(root, ".toolchain", "npm.lock"), (holder) =>
      process.stderr.write(`npm ci: another run (process ${holder}) is at it, waiting\n`),
    );
    const reason = missingModules(); // the other run may have done it
    if (reason) await install(reason);
    lock.release();
  }
  const node = ownNode();
  // Pulumi's language host takes the first node of PATH, which has to be this one where the package is not there.
  const nodeFolder = node === process.execPath ? [path.dirname(node)] : [];
  const env = {
    ...process.env,
    PATH: [bin, path.join(root, ".toolchain", "bin"), ...nodeFolder, process.env.PATH].join(path.delimiter),
    // The operating system's certificates and proxy settings hold for our own downloads too.
    NODE_USE_SYSTEM_CA: process.env.NODE_USE_SYSTEM_CA ?? "1",
    NODE_USE_ENV_PROXY: process.env.NODE_USE_ENV_PROXY ?? "1",
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? path.join(root, ".toolchain", "compile-cache"),
  };
  process.exit(await run(node, [path.join(root, "cli", "main.ts"), ...process.argv.slice(2)], env));
}

await main();
