/**
 * Runs `work` on all items, at most `limit` at once, and yields what became of each in the items' order. Whoever leaves
 * early has to end what still runs.
 */
export async function* inOrder<Item, Outcome>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<Outcome>,
): AsyncGenerator<Outcome> {
  const running: Promise<Outcome>[] = [];
  let next = 0;
  const startOne = () => {
    const item = items[next];
    if (item === undefined) return;
    next += 1;
    const outcome = work(item);
    outcome.catch(() => {}); // It is heard when its turn comes.
    running.push(outcome);
  };
  while (running.length < Math.min(limit, items.length)) startOne();
  for (let first = running.shift(); first !== undefined; first = running.shift()) {
    const outcome = await first;
    startOne();
    yield outcome;
  }
}
