/** `nodectl completion SHELL`: a completion script, made from the verbs and options that the program really has. */
import { Argument, type Command } from "commander";
import type { Verb } from "./verb.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = (typeof SHELLS)[number];

/** A verb as completion knows it. */
interface Completed {
  readonly name: string;
  readonly says: string;
  readonly options: readonly { readonly long: string; readonly says: string; readonly takesValue: boolean }[];
  /** What its argument may be; empty when it has none or takes anything. */
  readonly choices: readonly string[];
}

export const completionVerb: Verb = (program, terminal) => {
  program
    .command("completion")
    .description("print a completion script for your shell")
    .addArgument(new Argument("<shell>", "which shell").choices([...SHELLS]))
    .action((shell: Shell) => { terminal.out(completionScript(shell, program)); });
};

/** The script's text, without a last line end. */
export function completionScript(shell: Shell, program: Command): string {
  const verbs = verbsOf(program);
  switch (shell) {
    case "bash":
      return bash(verbs);
    case "zsh":
      return zsh(verbs);
    case "fish":
      return fish(verbs);
  }
}

function verbsOf(program: Command): readonly Completed[] {
  const verbs = program.commands.map((command): Completed => ({
    name: command.name(),
    says: command.description(),
    options: optionsOf(command),
    choices: [...command.registeredArguments.flatMap((argument) => argument.argChoices ?? []), ...command.commands.map((sub) => sub.name())],
  }));
  return [...verbs, { name: "help", says: "explain a verb", options: [], choices: verbs.map(({ name }) => name) }];
}

/** Its own, and those of the verbs below it, each once. */
function optionsOf(command: Command): Completed["options"] {
  const all = [command, ...command.commands].flatMap(({ options }) => options.flatMap(({ long, description, required, optional }) => (long == null ? [] : [{ long, says: description, takesValue: required || optional }])));
  return all.filter(({ long }, index) => all.findIndex((other) => other.long === long) === index);
}

const wordsOf = ({ options, choices }: Completed): string => [...choices, ...options.map(({ long }) => long), "--help"].join(" ");
/** Inside single quotes of a shell. */
const quoted = (text: string): string => text.replaceAll("'", "'\\''");

function bash(verbs: readonly Completed[]): string {
  return [
    "# Completion of nodectl for bash.",
    "_nodectl() {",
    "  local current=${COMP_WORDS[COMP_CWORD]} words",
    "  if [ \"$COMP_CWORD\" -eq 1 ]; then",
    `    words='${verbs.map(({ name }) => name).join(" ")} --help'`,
    "  else",
    "    case ${COMP_WORDS[1]} in",
    ...verbs.map((verb) => `      ${verb.name}) words='${wordsOf(verb)}' ;;`),
    "      *) words= ;;",
    "    esac",
    "  fi",
    "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))",
    "}",
    "complete -o default -F _nodectl nodectl",
  ].join("\n");
}

function zsh(verbs: readonly Completed[]): string {
  /** A colon and brackets mean something to _describe and _arguments. */
  const plain = (text: string): string => quoted(text.replaceAll(/[[\]:]/g, " "));
  return [
    "#compdef nodectl",
    "_nodectl() {",
    "  local -a verbs",
    "  verbs=(",
    ...verbs.map(({ name, says }) => `    '${name}:${plain(says)}'`),
    "  )",
    "  if (( CURRENT == 2 )); then _describe verb verbs; return; fi",
    "  case $words[2] in",
    ...verbs.map(({ name, options, choices }) => `    ${name}) _arguments ${[...options.map(({ long, says, takesValue }) => `'${long}[${plain(says)}]${takesValue ? ":value:_files" : ""}'`), "'--help[how to use it]'", ...(choices.length === 0 ? [] : [`'2:what:(${choices.join(" ")})'`])].join(" ")} ;;`),
    "  esac",
    "}",
    "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _nodectl \"$@\"; else compdef _nodectl nodectl; fi",
  ].join("\n");
}

function fish(verbs: readonly Completed[]): string {
  const under = (name: string): string => `complete -c nodectl -f -n '__fish_seen_subcommand_from ${name}'`;
  return [
    "# Completion of nodectl for fish.",
    ...verbs.map(({ name, says }) => `complete -c nodectl -f -n '__fish_use_subcommand' -a '${name}' -d '${quoted(says)}'`),
    ...verbs.flatMap(({ name, options, choices }) => [
      ...options.map(({ long, says, takesValue }) => `${under(name)} -l '${long.slice(2)}'${takesValue ? " -r" : ""} -d '${quoted(says)}'`),
      ...(choices.length === 0 ? [] : [`${under(name)} -a '${choices.join(" ")}'`]),
    ]),
  ].join("\n");
}
