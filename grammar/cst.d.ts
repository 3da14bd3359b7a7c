import type { CstNode, ICstVisitor, IToken } from "chevrotain";

export interface FileCstNode extends CstNode {
  name: "file";
  children: FileCstChildren;
}

export type FileCstChildren = {
  line: (LineCstNode)[];
  Newline?: IToken[];
};

export interface LineCstNode extends CstNode {
  name: "line";
  children: LineCstChildren;
}

export type LineCstChildren = {
  directive?: DirectiveCstNode[];
  block?: BlockCstNode[];
};

export interface DirectiveCstNode extends CstNode {
  name: "directive";
  children: DirectiveCstChildren;
}

export type DirectiveCstChildren = {
  word: WordCstNode[];
  block?: BlockCstNode[];
};

export interface WordCstNode extends CstNode {
  name: "word";
  children: WordCstChildren;
}

export type WordCstChildren = {
  Bare?: IToken[];
  Quoted?: IToken[];
};

export interface BlockCstNode extends CstNode {
  name: "block";
  children: BlockCstChildren;
}

export type BlockCstChildren = {
  Open?: IToken[];
  line?: (LineCstNode)[];
  Newline?: IToken[];
  Close?: IToken[];
  Empty?: IToken[];
};

export interface ICstNodeVisitor<IN, OUT> extends ICstVisitor<IN, OUT> {
  file(children: FileCstChildren, param?: IN): OUT;
  line(children: LineCstChildren, param?: IN): OUT;
  directive(children: DirectiveCstChildren, param?: IN): OUT;
  word(children: WordCstChildren, param?: IN): OUT;
  block(children: BlockCstChildren, param?: IN): OUT;
}
