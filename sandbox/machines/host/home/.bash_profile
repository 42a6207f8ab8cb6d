# A login shell, such as a terminal of Jupyter, has SageMaker's conda.
PATH=$HOME/anaconda3/bin:$PATH
