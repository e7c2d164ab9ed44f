import type { Danger } from "./dangers.ts";

/** The part of libpg-query's tree that is looked at. A node of any kind is an object whose one key is the kind. */
export interface Statement {
  AlterTableStmt?: { relation: Relation; cmds: { AlterTableCmd: Command }[] };
  CreateStmt?: { relation: Relation };
  CreateTableAsStmt?: { into: { rel: Relation } };
  CreateTrigStmt?: { relation: Relation };
  IndexStmt?: { relation: Relation; idxname?: string; concurrent?: boolean };
  DropStmt?: { removeType: string; concurrent?: boolean; objects: { List?: { items: Name[] } }[] };
  RenameStmt?: object;
  AlterObjectSchemaStmt?: object;
  /** A REVOKE where `is_grant` is missing. */
  GrantStmt?: { is_grant?: boolean; objects?: { RangeVar?: Relation }[] };
  SelectStmt?: object;
  InsertStmt?: object;
  UpdateStmt?: { relation: Relation };
  DeleteStmt?: { relation: Relation };
  MergeStmt?: { relation: Relation };
  TruncateStmt?: object;
  ClusterStmt?: object;
  VacuumStmt?: object;
  ReindexStmt?: { params?: { DefElem: { defname: string } }[] };
  LockStmt?: object;
  DoStmt?: object;
  VariableSetStmt?: {
    name: string;
    args?: { A_Const?: { ival?: { ival?: number }; sval?: { sval: string } } }[];
  };
}

type Drop = NonNullable<Statement["DropStmt"]>;

interface Relation {
  relname: string;
}

interface Name {
  String: { sval: string };
}

interface Command {
  subtype: string;
  def?: { ColumnDef?: ColumnDef; Constraint?: Constraint };
}

interface ColumnDef {
  typeName?: { names: Name[] };
  constraints?: { Constraint: Constraint }[];
}

interface Constraint {
  contype: string;
  /** NOT VALID. */
  skip_validation?: boolean;
  /** USING INDEX. */
  indexname?: string;
  raw_expr?: object;
}

/** What is dropped without harm to code that runs: what only the database itself uses, of a table. */
const HARMLESS_DROPS = ["OBJECT_TRIGGER", "OBJECT_POLICY"];

/** In a WITH, too. */
const CHANGED_TABLES = /"(?:Update|Delete|Merge)Stmt":\{"relation":\{[^}]*"relname":"([^"]+)"/g;

/**
 * What one statement does to tables that hold rows and are in use: those for which `isUsed`. A table that the same
 * release makes is empty, and nobody waits for it; indexes are asked for, too.
 */
export function dangersOf(statement: Statement, isUsed: (table: string) => boolean): Danger[] {
  const uses = (relation: Relation | undefined) => relation !== undefined && isUsed(relation.relname);
  const { AlterTableStmt, IndexStmt, DropStmt, CreateTrigStmt, GrantStmt } = statement;
  if (AlterTableStmt !== undefined && uses(AlterTableStmt.relation)) {
    return [
      "waits-for-lock",
      ...AlterTableStmt.cmds.flatMap(({ AlterTableCmd }) => dangersOfCommand(AlterTableCmd)),
    ];
  }
  if (IndexStmt !== undefined && uses(IndexStmt.relation) && !IndexStmt.concurrent)
    return ["index-locks-writes"];
  if (DropStmt !== undefined) return dangersOfDrop(DropStmt, isUsed);
  if (CreateTrigStmt !== undefined && uses(CreateTrigStmt.relation)) return ["waits-for-lock"];
  if (statement.RenameStmt ?? statement.AlterObjectSchemaStmt) return ["breaks-running-code"];
  if (GrantStmt !== undefined)
    return !GrantStmt.is_grant && GrantStmt.objects?.some(({ RangeVar }) => uses(RangeVar))
      ? ["breaks-running-code"]
      : [];
  if (changedTables(statement).some(isUsed) || statement.TruncateStmt) return ["changes-rows"];
  if (statement.ClusterStmt ?? statement.VacuumStmt) return ["rewrites-table"];
  if (statement.ReindexStmt !== undefined) return isConcurrent(statement) ? [] : ["index-locks-writes"];
  return statement.LockStmt === undefined ? [] : ["waits-for-lock"];
}

function changedTables({ SelectStmt, InsertStmt, UpdateStmt, DeleteStmt, MergeStmt }: Statement): string[] {
  const text = JSON.stringify({ SelectStmt, InsertStmt, UpdateStmt, DeleteStmt, MergeStmt });
  return [...text.matchAll(CHANGED_TABLES)].map(([, table = ""]) => table);
}

/** Null for a statement that says nothing of it. */
export function limitsLocks({ VariableSetStmt }: Statement): boolean | null {
  if (VariableSetStmt?.name !== "lock_timeout") return null;
  const [value] = VariableSetStmt.args ?? [];
  const { ival, sval } = value?.A_Const ?? {};
  return (ival?.ival ?? 0) > 0 || /^[1-9]/.test(sval?.sval ?? "");
}

export function isConcurrent({ IndexStmt, DropStmt, ReindexStmt }: Statement): boolean {
  const reindexes = ReindexStmt?.params?.some(({ DefElem }) => DefElem.defname === "concurrently");
  return IndexStmt?.concurrent ?? DropStmt?.concurrent ?? reindexes ?? false;
}

/** The table or index that it makes, or undefined. */
export function madeBy({ CreateStmt, CreateTableAsStmt, IndexStmt }: Statement): string | undefined {
  return (CreateStmt?.relation ?? CreateTableAsStmt?.into.rel)?.relname ?? IndexStmt?.idxname;
}

function dangersOfDrop(
  { removeType, concurrent, objects }: Drop,
  isUsed: (name: string) => boolean,
): Danger[] {
  const tables = objects.map(({ List }) => List?.items.at(-2)?.String.sval ?? "");
  if (HARMLESS_DROPS.includes(removeType)) return tables.some(isUsed) ? ["waits-for-lock"] : [];
  const names = objects.map(({ List }) => List?.items.at(-1)?.String.sval);
  // Of functions and types nobody keeps a list here: whatever is dropped may be in use.
  const isNew = names.every((name) => name !== undefined && !isUsed(name));
  if (removeType === "OBJECT_INDEX") return isNew || concurrent ? [] : ["index-locks-writes"];
  return isNew && removeType === "OBJECT_TABLE" ? [] : ["breaks-running-code"];
}

function dangersOfCommand({ subtype, def }: Command): Danger[] {
  switch (subtype) {
    case "AT_AddColumn":
      return dangersOfColumn(def?.ColumnDef ?? {});
    case "AT_AddConstraint":
      return def?.Constraint === undefined ? [] : dangersOfConstraint(def.Constraint);
    case "AT_SetNotNull":
      return ["scans-table"];
    case "AT_AlterColumnType":
    case "AT_SetLogged":
    case "AT_SetUnLogged":
    case "AT_SetTableSpace":
    case "AT_SetAccessMethod":
      return ["rewrites-table"];
    case "AT_ColumnDefault":
      return def === undefined ? ["breaks-running-code"] : [];
    case "AT_DropColumn":
      return ["breaks-running-code"];
    default:
      return [];
  }
}

function dangersOfColumn({ typeName, constraints = [] }: ColumnDef): Danger[] {
  const of = constraints.map(({ Constraint }) => Constraint);
  const has = (contype: string) => of.some((constraint) => constraint.contype === contype);
  const type = typeName?.names.at(-1)?.String.sval ?? "";
  const fillsRows =
    has("CONSTR_GENERATED") ||
    has("CONSTR_IDENTITY") ||
    /^(small|big)?serial\d?$/.test(type) ||
    of.some(hasVolatileDefault);
  return [
    ...(fillsRows ? (["rewrites-table"] as const) : []),
    ...(has("CONSTR_NOTNULL") && !has("CONSTR_DEFAULT") && !fillsRows
      ? (["not-null-without-default"] as const)
      : []),
    ...of.flatMap(dangersOfConstraint),
  ];
}

/** A default that is the same for all rows is kept once; one that calls a function may differ from row to row. */
function hasVolatileDefault({ contype, raw_expr }: Constraint): boolean {
  if (contype !== "CONSTR_DEFAULT") return false;
  const calls = JSON.stringify(raw_expr).match(/"FuncCall":\{"funcname":\[.*?\]/g) ?? [];
  return calls.some((call) => !/"sval":"now"/.test(call));
}

function dangersOfConstraint({ contype, skip_validation, indexname }: Constraint): Danger[] {
  if (contype === "CONSTR_CHECK" || contype === "CONSTR_FOREIGN")
    return skip_validation ? [] : ["scans-table"];
  const makesIndex = ["CONSTR_UNIQUE", "CONSTR_PRIMARY", "CONSTR_EXCLUSION"].includes(contype);
  return makesIndex && indexname === undefined ? ["index-locks-writes"] : [];
}
