import { credentialsOf } from "./credentials.ts";

/** As whom the API asks STS for a box's credentials; box-role.ts says for which role. */
export const boxIssuer = new aws.iam.User("BoxIssuer", {
  forceDestroy: true,
  path: `/${$app.name}/${$app.stage}/`,
});

export const stsCredentials = credentialsOf("BoxIssuer", boxIssuer);
