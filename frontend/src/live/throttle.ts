/** Runs `act` at once, then at most once in `milliseconds`; a call in between runs when the time is up. */
export function throttled(act: () => void, milliseconds: number): () => void {
  let resting = false;
  let again = false;
  const rest = () => {
    resting = true;
    setTimeout(() => {
      resting = false;
      if (!again) return;
      again = false;
      act();
      rest();
    }, milliseconds);
  };
  return () => {
    if (resting) {
      again = true;
      return;
    }
    act();
    rest();
  };
}
