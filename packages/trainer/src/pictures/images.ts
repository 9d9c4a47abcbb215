/** Images as the network gives them. */
export interface Images {
  /** uint8 [count,channels,height,width]; one channel is grey, three are red, green, blue. */
  readonly pixels: Uint8Array;
  readonly count: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}
