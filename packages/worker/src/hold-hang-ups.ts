/** SIGHUPs that come before anybody takes them. */
export interface HangUps {
  /** From now on each is one call; those that came before are one, at once. */
  take(onHangUp: () => void): void;
}

/** From this call on a SIGHUP ends the process no more. */
export function holdHangUps(): HangUps {
  let wasHeld = false;
  let tell = () => {
    wasHeld = true;
  };
  process.on("SIGHUP", () => tell());
  return {
    take(onHangUp) {
      tell = onHangUp;
      if (wasHeld) onHangUp();
    },
  };
}
