/** Where progress is drawn: stderr, mostly. */
export interface ProgressTarget {
  isTTY?: boolean | undefined;
  columns?: number | undefined;
  write(text: string): unknown;
}

export interface Progress {
  show(stage: string, fraction: number): void;
  /** Leaves the cursor at the beginning of an empty line. */
  end(): void;
}

const BAR_COLUMNS = 30;

/** One line that is drawn again and again on a terminal; elsewhere a line for each stage. */
export function createProgress(target: ProgressTarget): Progress {
  return target.isTTY ? drawnProgress(target) : printedProgress(target);
}

function drawnProgress(target: ProgressTarget): Progress {
  let last = "";
  return {
    show(stage, fraction) {
      const line = lineOf(stage, fraction).slice(0, (target.columns ?? 80) - 1);
      if (line !== last) target.write(`\r\u001b[2K${line}`);
      last = line;
    },
    end() {
      if (last !== "") target.write("\r\u001b[2K");
      last = "";
    },
  };
}

function printedProgress(target: ProgressTarget): Progress {
  let last = "";
  return {
    show(stage) {
      if (stage !== last) target.write(`${stage}\n`);
      last = stage;
    },
    end() {},
  };
}

function lineOf(stage: string, fraction: number): string {
  const part = Math.min(1, Math.max(0, fraction));
  const full = Math.round(part * BAR_COLUMNS);
  const bar = "█".repeat(full) + "░".repeat(BAR_COLUMNS - full);
  return `${stage.padEnd(10)} ${bar} ${String(Math.round(part * 100)).padStart(3)} %`;
}
