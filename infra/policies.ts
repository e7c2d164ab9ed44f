type Text = $util.Input<string>;

export interface Statement {
  Action: string[];
  Resource: Text[];
  Condition?: Record<string, Record<string, Text>>;
}

/** A policy of what is allowed, and nothing else. */
export function allow(statements: Statement[]): $util.Output<string> {
  return $jsonStringify({
    Version: "2012-10-17",
    Statement: statements.map((statement) => ({ Effect: "Allow", ...statement })),
  });
}

/** Of a queue: whoever comes without TLS is refused. */
export function denyPlainHttp(action: string, resources: Text[]): $util.Output<string> {
  return $jsonStringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Deny",
        Principal: "*",
        Action: action,
        Resource: resources,
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      },
    ],
  });
}

/** A user of our own for one purpose, and what it may do. */
export function userWith(name: string, statements: Statement[]): aws.iam.User {
  const user = new aws.iam.User(name, { forceDestroy: true, path: `/${$app.name}/${$app.stage}/` });
  new aws.iam.UserPolicy(`${name}Policy`, { user: user.name, policy: allow(statements) });
  return user;
}
