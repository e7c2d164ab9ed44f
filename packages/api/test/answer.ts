/** The body of an answer, which the test knows to be a `Shape`. */
export async function bodyOf<Shape = { id: string }>(response: Response): Promise<Shape> {
  return (await response.json()) as Shape;
}

/** What a refusal says: status, code and where the faults are. */
export async function refusalOf(
  response: Response,
): Promise<{ status: number; code: string; pointers: string[] }> {
  const problem = await bodyOf<{ status: number; code: string; errors?: { pointer: string }[] }>(response);
  return {
    status: response.status,
    code: problem.code,
    pointers: (problem.errors ?? []).map(({ pointer }) => pointer),
  };
}
